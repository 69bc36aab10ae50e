//! Prints what happens, and how the cluster is whenever that changes.
use hats_client::{Error, Follower, News};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut follower = Follower::new("follow");
    let mut overall = String::new();
    loop {
        match follower.next().await? {
            News::Event(event) => {
                let adapter = event.adapter.as_deref().unwrap_or("-");
                say(&format!("{} {} {adapter}: {}", event.code, event.level, event.msg));
            }
            News::Gap(gap) => say(&format!("! {gap}")),
            News::Away(error) => say(&format!("! {error}; trying again")),
            News::State => {
                let Some(view) = follower.view() else { continue };
                if view.snapshot().overall != overall {
                    overall.clone_from(&view.snapshot().overall);
                    say(&format!("{overall}: {}", view.snapshot().reasons.join("; ")));
                }
            }
        }
    }
}

fn say(line: &str) {
    use std::io::Write as _;
    // Nobody reads it any more: so be it.
    let _ = writeln!(std::io::stdout(), "{line}");
}
