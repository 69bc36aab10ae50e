//! Who may subscribe: the kernel says who it is, a rule says whether.
//!
//! The socket's mode keeps others out already. This holds where somebody has
//! changed it, and says what is missing.

use nix::unistd::{Group, Uid};

/// Whose members may subscribe.
pub(crate) const GROUP: &str = "hats";

/// Who is at the other end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Peer {
    pub(crate) pid: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Its supplementary groups.
    pub(crate) groups: Vec<u32>,
}

/// The rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Readers {
    /// The daemon's own user.
    pub(crate) owner: u32,
    /// The group, if there is one.
    pub(crate) group: Option<u32>,
}

impl Readers {
    /// The rule on this host, now.
    pub(crate) fn of_host() -> Self {
        let group = Group::from_name(GROUP).ok().flatten().map(|group| group.gid.as_raw());
        Readers { owner: Uid::effective().as_raw(), group }
    }

    /// Nothing, or what is missing.
    pub(crate) fn refusal(&self, peer: &Peer) -> Option<String> {
        let member = |group| peer.gid == group || peer.groups.contains(&group);
        if peer.uid == 0 || peer.uid == self.owner || self.group.is_some_and(member) {
            return None;
        }
        let expected = match self.group {
            Some(_) => format!("expected a member of group {GROUP}, or root"),
            None => format!("expected root: there is no group {GROUP} on this host"),
        };
        Some(format!("uid {} (process {}) may not read; {expected}", peer.uid, peer.pid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(uid: u32, gid: u32, groups: &[u32]) -> Peer {
        Peer { pid: 7, uid, gid, groups: groups.to_vec() }
    }

    #[test]
    fn root_the_daemons_user_and_members_of_the_group_may() {
        let readers = Readers { owner: 90, group: Some(500) };
        for may in [peer(0, 0, &[]), peer(90, 90, &[]), peer(1000, 500, &[])] {
            assert_eq!(readers.refusal(&may), None, "{may:?}");
        }
        assert_eq!(readers.refusal(&peer(1000, 1000, &[4, 500])), None);
    }

    #[test]
    fn others_are_told_what_they_are_and_what_is_expected() {
        let readers = Readers { owner: 0, group: Some(500) };
        let said = readers.refusal(&peer(1000, 1000, &[4, 27])).unwrap();
        assert_eq!(
            said,
            "uid 1000 (process 7) may not read; expected a member of group hats, or root"
        );
        let nobody = Readers { owner: 0, group: None };
        assert!(nobody.refusal(&peer(1000, 500, &[])).unwrap().contains("there is no group hats"));
    }
}
