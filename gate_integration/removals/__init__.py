"""What has to be taken off devices: queued here, done by whoever reaches the device, confirmed."""
