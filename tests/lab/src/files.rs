//! The files of a lab: one directory, with one directory for each node.

use std::{
    collections::hash_map::RandomState,
    env, fs,
    hash::{BuildHasher, Hasher},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use nix::unistd::geteuid;

/// Longest path the kernel takes for a Unix socket.
const SOCKET_PATH_MAX: usize = 107;

/// Where one node's files are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeFiles {
    /// hatsd.toml.
    pub config: PathBuf,
    /// The socket of hatsd.
    pub socket: PathBuf,
    /// What hatsd keeps.
    pub state: PathBuf,
    /// The log of hatsd: JSON lines.
    pub log: PathBuf,
    /// What the node shows as /etc/machine-id.
    pub machine_id: PathBuf,
}

impl NodeFiles {
    /// Makes a node's directory and writes its configuration.
    ///
    /// # Errors
    ///
    /// A file could not be written.
    pub fn create(lab: &Path, node: &str, config: &str) -> Result<NodeFiles> {
        let dir = lab.join(node);
        let files = NodeFiles {
            config: dir.join("hatsd.toml"),
            socket: dir.join("hats.sock"),
            state: dir.join("state"),
            log: dir.join("hatsd.log"),
            machine_id: dir.join("machine-id"),
        };
        // Left over from a lab that could not clean up: another cluster's state.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&files.state).with_context(|| format!("create {}", dir.display()))?;
        let write = |path: &Path, text: &str| {
            fs::write(path, text).with_context(|| format!("write {}", path.display()))
        };
        write(&files.config, config)?;
        write(&files.machine_id, &machine_id())?;
        write(&files.log, "")?;
        Ok(files)
    }
}

fn machine_id() -> String {
    let half = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}\n", half(), half())
}

/// The directory used when none is given.
pub fn default_dir() -> PathBuf {
    match env::var_os("XDG_RUNTIME_DIR") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir).join("hats-lab"),
        _ => env::temp_dir().join(format!("hats-lab-{}", geteuid())),
    }
}

/// The control socket of a lab.
pub fn control_socket(dir: &Path) -> PathBuf {
    dir.join("lab.sock")
}

/// What the lab process has to say.
pub fn lab_log(dir: &Path) -> PathBuf {
    dir.join("lab.log")
}

/// Held while a lab runs in the directory.
pub fn lock_file(dir: &Path) -> PathBuf {
    dir.join("lab.lock")
}

/// Makes the directory of a lab, for its owner alone, and returns its full path.
///
/// # Errors
///
/// It can't be made, or is too long for the sockets in it.
pub fn create_dir(dir: &Path) -> Result<PathBuf> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("create the directory of the lab, {}", dir.display()))?;
    let full = dir.canonicalize().with_context(|| format!("find {}", dir.display()))?;
    let longest = full.join("n250").join("hats.sock");
    let length = longest.as_os_str().len();
    ensure!(
        length <= SOCKET_PATH_MAX,
        "--dir {}: too long for the sockets in it ({length} bytes, at most {SOCKET_PATH_MAX})",
        full.display()
    );
    Ok(full)
}

/// Removes what a lab has put into its directory, and the directory if nothing
/// else is in it.
pub fn remove(dir: &Path, nodes: impl Iterator<Item = String>) {
    for node in nodes {
        let _ = fs::remove_dir_all(dir.join(node));
    }
    remove_control(dir);
    let _ = fs::remove_file(lab_log(dir));
    if let Err(error) = fs::remove_dir(dir)
        && error.kind() != io::ErrorKind::DirectoryNotEmpty
        && error.kind() != io::ErrorKind::NotFound
    {
        eprintln!("hats-lab: {} stays: {error}", dir.display());
    }
}

/// Removes only what shows that a lab runs.
pub fn remove_control(dir: &Path) {
    let _ = fs::remove_file(control_socket(dir));
    let _ = fs::remove_file(lock_file(dir));
}
