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
fn watcher_has_the_same_table_under_tokio() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let watcher = LinkWatcher::new().await.unwrap();
        assert!(watcher.table().named("lo").is_some());
    });
}
