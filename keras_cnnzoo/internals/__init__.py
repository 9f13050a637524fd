"""The few places that reach into Keras beyond its public interface."""
