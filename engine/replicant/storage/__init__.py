"""Where files are: paths and URLs, folders on disks and in object stores, atomic commits, and one run at a time.

filesystem.py   URLs by fsspec, and why they fail
location.py     a path or URL: what is there, its bytes, what an error there means
folder.py       what a folder must be able to do; local.py, remote.py: folders of both kinds; open.py chooses
lock.py         one run at a time in a folder; lease.py: the same in an object store
"""
