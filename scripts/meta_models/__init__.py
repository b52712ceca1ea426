# SPDX-License-Identifier: Apache-2.0
"""What scripts/model_oracle.py is made of: `built` needs transformers and PyTorch, the others do without."""
