use super::*;

#[test]
fn own_namespace_has_its_loopback() {
    let mut links = Links::new(true).unwrap();
    links.wait_ready().unwrap();
    let loopback = links.table().named("lo").unwrap();
    assert!(loopback.is_loopback);
    assert_eq!(links.table().indexed(loopback.index), Some(loopback));
}

#[test]
fn overrun_asks_for_everything_again() {
    let mut links = Links::new(false).unwrap();
    links.wait_ready().unwrap();
    let before = links.table().clone();
    links.table = Interfaces::default();
    links.ready = false;
    links.overrun().unwrap();
    links.wait_ready().unwrap();
    let names = |table: &Interfaces| table.iter().map(|i| i.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(links.table()), names(&before));
}

#[test]
fn a_change_that_somebody_asked_for_with_our_number_is_not_taken_for_an_answer() {
    let mut links = Links::new(false).unwrap();
    links.wait_ready().unwrap();
    let index = links.table().named("lo").unwrap().index;
    let mut gone = Vec::new();
    for word in [32, u32::from(libc::RTM_DELLINK), links.sequence, links.port + 1] {
        gone.extend_from_slice(&word.to_ne_bytes());
    }
    gone.extend_from_slice(&[0; 4]);
    gone.extend_from_slice(&index.to_ne_bytes());
    gone.resize(32, 0);
    assert!(links.take(&gone).unwrap());
    assert_eq!(links.table().indexed(index), None);
}

#[test]
fn watcher_has_the_same_table_under_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let watcher = LinkWatcher::new().await.unwrap();
        assert!(watcher.table().named("lo").is_some());
    });
}
