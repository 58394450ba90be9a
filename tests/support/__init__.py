"""What several tests share: a world, phones, pictures, deployments."""
