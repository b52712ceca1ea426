# SPDX-License-Identifier: Apache-2.0
"""What scripts/prediction_accuracy.py is made of: command lines, their runs under a limit, and the file of what
they came to."""
