//! The kinds of events: written from src/core/events.toml by
//! `cargo run -p hats-catalogue`. Change that file, not this one.

use super::Level;

catalogue! {
    /// The daemon lives: every five minutes, so that silence can be alerted on.
    Alive "1001" "alive" Info
        "2670ce4345e9486c94d085bb3ed8f748" has_end = false
    /// The daemon has started.
    DaemonStarted "1002" "daemon.started" Info
        "5c0bf1de2dfc4df984cda58ea464bd52" has_end = false
    /// The daemon stops on purpose.
    DaemonStopping "1003" "daemon.stopping" Info
        "c6d94a8f921743708596df1d5975750a" has_end = false
    /// Leader or successor of a group changed.
    NetworkLeader "1101" "network.leader" Info
        "70c5ed93fe3b412ba4d35ec746397b45" has_end = false
    /// A network fell into parts; both sides are alive.
    NetworkPartitioned "1110" "network.partitioned" Error
        "88c10dd676cb45a1bef2497e41c6b464" has_end = true
    /// The parts of a network found each other again.
    NetworkMerged "1111" "network.merged" Info
        "305d0fbe3708487c8a98916d039f0f25" has_end = false
    /// Nobody reaches anybody on a network; the nodes live.
    NetworkFailed "1112" "network.failed" Error
        "e9cc4e5b9cd14e8a8cfc7d9107bae75a" has_end = true
    /// Multicast is dead, unicast works.
    NetworkMulticastBroken "1114" "network.multicast_broken" Warn
        "df0ff8eae06e4395ace27db7457934d1" has_end = true
    /// Multicast works again.
    NetworkMulticastRestored "1115" "network.multicast_restored" Info
        "2e33281dfc9443dca7787cafc4ad28b2" has_end = false
    /// Long packets get lost on a network, short ones do not.
    NetworkMtu "1116" "network.mtu" Warn
        "cf03118cc3594a78b481616a82400c88" has_end = true
    /// Long packets arrive again.
    NetworkMtuRestored "1117" "network.mtu_restored" Info
        "db23f463176f4739ac3c9e04ca8ed612" has_end = false
    /// Two networks share a wire.
    NetworkCrossed "1118" "network.crossed" Error
        "6a1f0f5b2f0e4c7c9a0c5d3be84d7f12" has_end = true
    /// Two networks share no wire any more.
    NetworkSeparated "1119" "network.separated" Info
        "d5b8c0a94e7a4f1e8f63a2107c9be354" has_end = false
    /// An adapter is a member of its network's group.
    AdapterUp "2101" "adapter.up" Info
        "2dad648a179f45d7b2e19dc69d636d1f" has_end = false
    /// An adapter is silent; arbitration has not ended.
    AdapterSuspect "2102" "adapter.suspect" Warn
        "5fb35d51e9b243b1abbf0fd8ead26dde" has_end = false
    /// An adapter has failed.
    AdapterDown "2103" "adapter.down" Error
        "d6aff9b39ae64bb08565caef4293e158" has_end = true
    /// Heartbeats of an adapter come late.
    AdapterLate "2106" "adapter.late" Warn
        "1492c4901044414ea7bfccae445a912c" has_end = false
    /// An adapter that keeps coming back is held.
    AdapterDamped "2108" "adapter.damped" Warn
        "90ec6c4bdea54a70bd64129f48d51c05" has_end = true
    /// A held adapter is released.
    AdapterReleased "2109" "adapter.released" Info
        "0e005e841ca449dd801b431ef332eaaa" has_end = false
    /// An adapter is silent and it cannot be told whose fault it is.
    AdapterInconclusive "2110" "adapter.inconclusive" Warn
        "34f632c7e2344d20a386e8107629710c" has_end = true
    /// An adapter loses datagrams to and from everybody.
    AdapterLossy "2111" "adapter.lossy" Warn
        "7f0d8f6b21f84c0d9a3c5e6f70c2ab41" has_end = true
    /// An adapter that lost datagrams does not any more.
    AdapterClean "2112" "adapter.clean" Info
        "b3b6a2a45c7f4d07a1d2f7c4e90d6a18" has_end = false
    /// Two hosts have one address.
    DuplicateAddress "2120" "duplicate.address" Error
        "43a86aa58e574c02b2fcfa12c29de929" has_end = true
    /// What there was twice is there once.
    DuplicateResolved "2121" "duplicate.resolved" Info
        "c3a1d94e2b6f4f6b8e05d7a9135c7e20" has_end = false
    /// Two well adapters do not reach each other.
    PathFailed "2201" "path.failed" Error
        "5f186f62f4a94ba2b590b5245536a3d6" has_end = true
    /// They do again.
    PathRestored "2202" "path.restored" Info
        "aee3cdf911734675994188f1b5d0e9a5" has_end = false
    /// A node can be reached.
    NodeUp "3102" "node.up" Info
        "e2cc5c27a7204a47b51f15b6e4e1f0eb" has_end = false
    /// A node has failed.
    NodeDown "3103" "node.down" Error
        "8d7346fdda0f42b08a00cce3d245f524" has_end = true
    /// A node left on purpose.
    NodeLeft "3104" "node.left" Info
        "94363b1db8944fbe9f573f7125d50bc7" has_end = true
    /// A node's daemon has been started anew.
    NodeRestarted "3105" "node.restarted" Warn
        "105b62ce991c4587aa1cdbf9b08dfdef" has_end = false
    /// A daemon has failed, its host lives.
    DaemonDown "3106" "daemon.down" Error
        "6e580590ba77418ebeaa1855309a6421" has_end = true
    /// Two nodes have one identity or name.
    DuplicateNode "3110" "duplicate.node" Error
        "63b046be56154993addcb682671374e3" has_end = true
    /// Another cluster is on the wire.
    ForeignCluster "3111" "foreign.cluster" Warn
        "ae6810aa58164b4eab4b041308eb3eba" has_end = false
    /// The daemon or a NIM was not scheduled in time.
    SelfLate "4101" "self.late" Warn
        "e08f1061f04f4ccca55150c9ff0c19ac" has_end = false
    /// The wall clock was set.
    SelfClockStep "4102" "self.clock_step" Warn
        "78f5bf5d1e504b4f887592d9452cc899" has_end = false
    /// The host was suspended.
    SelfSuspended "4103" "self.suspended" Warn
        "ce783d94af8a4cc8bbc5ab77201450df" has_end = false
    /// A NIM process died.
    NimDied "4110" "nim.died" Error
        "322fc6f4afcd41d6b3bacf7a0c2ba41a" has_end = true
    /// A NIM process does not answer.
    NimStuck "4111" "nim.stuck" Warn
        "8289c9fbfeb94e988afb004b69f220b7" has_end = false
    /// A NIM process runs again.
    NimRestarted "4112" "nim.restarted" Info
        "3748b7bbee6b492f85c752a69db13ec9" has_end = false
    /// A privilege is missing; something works less well.
    NimDegraded "4113" "nim.degraded" Warn
        "922131e227de4e0dabc821dfbe5c692d" has_end = false
    /// A parameter was changed.
    ParamChanged "5101" "param.changed" Info
        "e6ab555173ec467fa10118df88e2e3be" has_end = false
    /// Nodes disagree in their configuration.
    ConfigDrift "5102" "config.drift" Warn
        "f7b49d1f82aa41b0b27e9c231ff6d617" has_end = false
    /// Something configured does not exist yet.
    ConfigWaiting "5104" "config.waiting" Warn
        "81dd8de4db3440e7952bd96f816e897d" has_end = false
    /// A datagram failed authentication.
    AuthFailed "5111" "auth.failed" Warn
        "6c57fec9c0424c0ba0f6040920521708" has_end = false
    /// A subscriber did not read and lost events.
    SubscriberLost "6101" "subscriber.lost" Warn
        "6257df93028a4abe86c94534e4649a06" has_end = false
    /// Maintenance began.
    MaintenanceOn "7101" "maintenance.on" Info
        "747a7e4ec7024b4fa5b43460ddfe677d" has_end = true
    /// Maintenance ended.
    MaintenanceOff "7102" "maintenance.off" Info
        "30d12834d88b4c3d8a80b375938308ca" has_end = false
}
