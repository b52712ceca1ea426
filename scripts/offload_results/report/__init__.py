# SPDX-License-Identifier: Apache-2.0
"""The HTML report: results in, one page out, no network."""
