"""Reads files as documents: the structure that their authors gave them, with exact spans.

`read` turns a file into a `Document`, `find` lists the files of a folder, and `register` adds a
format: a `Reader` is a name, some suffixes and one method.
"""

from tamis.documents.base import Reader
from tamis.documents.folder import find
from tamis.documents.registry import read, readable, register, shown

__all__ = ["Reader", "find", "read", "readable", "register", "shown"]
