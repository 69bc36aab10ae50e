//! What `hats-sim` is asked on the command line.

pub(crate) mod many;
pub(crate) mod matrix;
pub(crate) mod minimize;
pub(crate) mod one;
pub(crate) mod replay;
