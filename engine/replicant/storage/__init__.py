"""Where files are: paths and URLs, folders on disks and in object stores, atomic commits, and one run at a time.

filesystem.py   URLs by fsspec, and what their errors mean; location.py: a path or URL that a table is read from
folder.py       what a folder must be able to do; local.py, remote.py: folders of both kinds; open.py chooses
lock.py         one run at a time in a folder; lease.py: the same in an object store
probe.py        whether a place can be written to
"""
