"""From hits to text for a prompt: nothing twice, neighbours joined, cited, within a budget."""

from tamis.context.assemble import assemble

__all__ = ["assemble"]
