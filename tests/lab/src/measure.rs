//! Stub.
/// Stub.
#[derive(Clone, Debug, clap::Args)]
pub struct MeasureArgs {}
