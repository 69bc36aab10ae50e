//! Writes every file that is made from the event catalogue.
//!
//! `cargo run -p hats-catalogue`, in the repository. Says which files changed.
#![forbid(unsafe_code)]

use std::{
    env, fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

fn main() -> ExitCode {
    match write_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is there if this fails; the status still tells.
            let _ = writeln!(io::stderr(), "hats-catalogue: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_all() -> Result<(), String> {
    let top = env::args_os().nth(1);
    let top = match &top {
        Some(top) => Path::new(top),
        None => Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
    };
    for output in hats_catalogue::outputs(top)? {
        let path = top.join(output.path);
        if fs::read_to_string(&path).is_ok_and(|there| there == output.text) {
            continue;
        }
        let named = |error: io::Error| format!("{}: {error}", path.display());
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(named)?;
        fs::write(&path, &output.text).map_err(named)?;
        let _ = writeln!(io::stderr(), "wrote {}", output.path);
    }
    Ok(())
}
