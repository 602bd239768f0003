"""Enrolment photographs by archive: handed in, checked, confirmed by a person, enrolled one by one."""
