"""What is vendored is what is named: nobody edits a library in place."""

from scripts import vendor


def test_the_phones_libraries_are_those_that_are_listed():
    assert vendor.main(["check"]) == 0
