//! Where the daemon's socket is.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The socket of a daemon that was told nothing else.
pub const DEFAULT_SOCKET: &str = "/run/hats/hats.sock";

/// The environment variable that names another socket.
pub const SOCKET_VARIABLE: &str = "HATS_SOCKET";

/// The socket to use: the one given, else the one in [`SOCKET_VARIABLE`], else
/// [`DEFAULT_SOCKET`]. An empty variable counts as unset.
pub fn socket_path(explicit: Option<&Path>) -> PathBuf {
    resolve(explicit, env::var_os(SOCKET_VARIABLE))
}

fn resolve(explicit: Option<&Path>, variable: Option<OsString>) -> PathBuf {
    match (explicit, variable) {
        (Some(path), _) => path.to_owned(),
        (None, Some(path)) if !path.is_empty() => path.into(),
        (None, _) => DEFAULT_SOCKET.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explicit_path_wins_over_the_variable_and_that_over_the_default() {
        let variable = || Some(OsString::from("/from/variable"));
        assert_eq!(resolve(Some(Path::new("/given")), variable()), Path::new("/given"));
        assert_eq!(resolve(None, variable()), Path::new("/from/variable"));
        assert_eq!(resolve(None, Some(OsString::new())), Path::new(DEFAULT_SOCKET));
        assert_eq!(resolve(None, None), Path::new(DEFAULT_SOCKET));
    }
}
