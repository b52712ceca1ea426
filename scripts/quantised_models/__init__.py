# SPDX-License-Identifier: Apache-2.0
"""What scripts/quantised_oracle.py is made of: all of it needs PyTorch, and each writer its package."""
