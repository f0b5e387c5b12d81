"""What the long lists share: pages by key, ways through indexes, filters in the address, files to take away."""

from __future__ import annotations
