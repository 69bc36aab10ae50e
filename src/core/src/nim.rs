//! The NIM's decisions.
