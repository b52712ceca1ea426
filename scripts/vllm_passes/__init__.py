# SPDX-License-Identifier: Apache-2.0
"""What scripts/vllm_offload.py is made of. `rows` and `sources` do without PyTorch; `stand_ins` and
`passes` need it."""
