"""The one place where failures become messages on stderr and exit codes.

0    what was asked holds
1    a finding: a violation, a difference, a failed expectation
2    wrong usage or input, or the machine lacks something
3    the target cannot hold the program
4    unknown: something that touches what was asked is not evaluated, or was too much to decide;
     a failure (1) is told before it, a wrong input (2) before both
70   a bug in cloison
130  interrupted             141  the reader of our output went away
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from fabric.visible import paragraph

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MACHINE = (*FULL, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""What is wrong with the machine, not with cloison."""
LEAST_FILES = 64
OK, FINDING, USAGE, CAPACITY, UNKNOWN, BUG, INTERRUPTED, PIPE = 0, 1, 2, 3, 4, 70, 130, 141
