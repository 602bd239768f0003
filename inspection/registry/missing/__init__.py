"""What a full list no longer names: listed for a person to look at, ended by a person alone."""
