//! A client that writes down each event, and what it believes the state to be,
//! until it is killed. `deploy/python/tests/keeper.py` does the same.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use hats_client::{Follower, News, ipc::ResumePoint};
use prost::Message as _;

/// Follows the daemon at `socket`, going on after the last event in `file`.
pub(crate) fn keep(socket: &Path, file: &Path) {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut follower = Follower::new("keeper").at(socket);
    if let Some((epoch, seq)) = super::parties::events(&text).last() {
        follower = follower.resume(ResumePoint { epoch: *epoch, seq: *seq });
    }
    let mut log = File::options().append(true).create(true).open(file).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        loop {
            let line = match follower.next().await.unwrap() {
                News::Event(event) => format!("event {} {}\n", event.epoch, event.seq),
                News::Gap(gap) => format!("gap {} {}\n", gap.count, gap.more),
                News::State => {
                    let bytes = follower.view().unwrap().snapshot().encode_to_vec();
                    fs::write(file.with_extension("new"), bytes).unwrap();
                    fs::rename(file.with_extension("new"), file.with_extension("view")).unwrap();
                    continue;
                }
                News::Away(_) => continue,
            };
            // One write: a kill leaves all of the line or none.
            log.write_all(line.as_bytes()).unwrap();
        }
    });
}
