"""Vendored libraries match their list: nobody has edited one."""

from scripts import vendor


def test_vendored_libraries_match_the_list():
    assert vendor.main(["check"]) == 0
