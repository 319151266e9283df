"""repoint as a library: what `import repoint` offers, and how a repository is opened.

`repoint` itself names the public values; the modules of this package, and all others below
`repoint`, are private and change without notice.
"""
