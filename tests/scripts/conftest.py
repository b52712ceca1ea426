# SPDX-License-Identifier: Apache-2.0
"""One browser and one set of pages for all modules that look at reports: to start the one and to make
the others takes longer than most of what is looked at. report_pages.py skips where there is none."""
import pytest


@pytest.fixture(scope="session")
def browser():
    from report_pages import started
    yield from started()


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    from report_pages import written
    return written(tmp_path_factory.mktemp("pages"))
