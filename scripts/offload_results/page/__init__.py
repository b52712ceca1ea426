# SPDX-License-Identifier: Apache-2.0
"""The HTML page: results in, one file out that needs no network."""
