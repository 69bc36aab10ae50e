//! Finds the programs the lab is made of.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The programs a lab with daemons needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binaries {
    /// The daemon. It finds hats-nim as we do: beside itself, else in PATH.
    pub hatsd: PathBuf,
    /// The NIM.
    pub hats_nim: PathBuf,
    /// The status command.
    pub hats_status: PathBuf,
}

impl Binaries {
    /// Looks beside this program, then in PATH.
    ///
    /// # Errors
    ///
    /// Names what is missing and how to build it.
    pub fn find() -> Result<Binaries> {
        let beside = own_directory();
        let path = env::var_os("PATH").unwrap_or_default();
        let places: Vec<PathBuf> = beside.iter().cloned().chain(env::split_paths(&path)).collect();
        let missing: Vec<&str> = ["hatsd", "hats-nim", "hats-status"]
            .into_iter()
            .filter(|name| look(&places, name).is_none())
            .collect();
        match (look(&places, "hatsd"), look(&places, "hats-nim"), look(&places, "hats-status")) {
            (Some(hatsd), Some(hats_nim), Some(hats_status)) => {
                Ok(Binaries { hatsd, hats_nim, hats_status })
            }
            _ => bail!(
                "{} not found, neither in {} nor in PATH: build all programs with \
                 `cargo build --release` (or without --release, if that is how hats-lab was built)",
                missing.join(", "),
                beside.as_deref().unwrap_or(Path::new("?")).display()
            ),
        }
    }

    /// Runs hats-status on one daemon's socket and reads its JSON.
    ///
    /// # Errors
    ///
    /// It could not be run or said something else; its own words are passed on.
    pub fn status(&self, socket: &Path, arguments: &[&str]) -> Result<Value> {
        let output = Command::new(&self.hats_status)
            .args(arguments)
            .args(["-o", "json", "--socket"])
            .arg(socket)
            .output()
            .with_context(|| format!("run {}", self.hats_status.display()))?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "hats-status {}: expected JSON; it said: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            )
        })
    }
}

/// Where this program lies.
pub fn own_directory() -> Option<PathBuf> {
    Some(env::current_exe().ok()?.parent()?.to_owned())
}

fn look(places: &[PathBuf], name: &str) -> Option<PathBuf> {
    places.iter().map(|place| place.join(name)).find(|path| path.is_file())
}
