"""What the C library does with memory that was freed."""

#: So much of it is kept for what comes next.
KEPT_BYTES = 32 * 1024 * 1024


def keep_freed_memory() -> None:
    """Has the C library keep what is freed, and not give it back to the kernel at once.

    In a flood an ingress packs half a megabyte for Redis, over and over. To have the kernel map these pages anew each
    time took as long as to find out whose requests they are.
    """
    # To free a block that has a mapping of its own raises glibc's M_MMAP_THRESHOLD to its size, and M_TRIM_THRESHOLD to
    # twice that, see mallopt(3). Another C library does what it does anyway.
    bytes(KEPT_BYTES // 2)
