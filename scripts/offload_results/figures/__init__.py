# SPDX-License-Identifier: Apache-2.0
"""What each figure shows, taken out of results as plain data; nothing here draws."""
