# SPDX-License-Identifier: Apache-2.0
"""Draws the figures' data with matplotlib; nothing here reads results."""
