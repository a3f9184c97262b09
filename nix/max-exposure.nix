# The highest exposure that one of our units may have, as `systemd-analyze security` rates it.
0.9
