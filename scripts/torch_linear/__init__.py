# SPDX-License-Identifier: Apache-2.0
"""What scripts/cpu_library.py is made of. `host`, `rows` and `timing` do without PyTorch; `products`
needs it."""
