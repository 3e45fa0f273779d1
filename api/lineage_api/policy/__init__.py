"""Rules over the ancestry of a version."""
