# SPDX-License-Identifier: Apache-2.0
"""What scripts/gguf_oracle.py is made of: models by the names and shapes that llama.cpp gives them."""
