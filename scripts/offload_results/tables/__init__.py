# SPDX-License-Identifier: Apache-2.0
"""Tables in Markdown, made from results for documents."""
