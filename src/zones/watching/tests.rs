//! Changes of files as editors, scripts and Kubernetes make them, and what is none.

use std::fs;
use std::os::unix::fs::symlink;

use std::path::Path;

use tempfile::TempDir;
use tokio::time::timeout;

use super::*;

/// Far longer than a change takes to be noticed.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is sent when a file has changed.
#[derive(Debug)]
struct FilesChanged;

/// What is watched, and who hears of it.
struct Site {
    folder: TempDir,
    watching: Watching,
    requests: mpsc::Receiver<FilesChanged>,
}

impl Site {
    /// A folder as `make` leaves it, of which these files are watched.
    fn new(make: impl FnOnce(&Path), files: &[&str]) -> Site {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path());
        let (sender, requests) = mpsc::channel(16);
        let site = Site { folder, watching: Watching::start(sender, || FilesChanged), requests };
        site.follow(files);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Files as a reading finds them now.
    fn follow(&self, files: &[&str]) {
        let stand = |name: &&str| (self.path(name), Digest::of_file(&self.path(name)).ok());
        self.watching.follow(files.iter().map(stand).collect());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// As [`Site::new`], when the files are watched: who began to write before is not known.
    async fn watched(make: impl FnOnce(&Path), files: &[&str]) -> Site {
        let mut site = Site::new(make, files);
        for file in files {
            site.write(file, "a change to be heard of");
        }
        site.hears("it is watched").await;
        let _ = timeout(QUIET * 3, site.requests.recv()).await;
        site
    }

    async fn hears(&mut self, what: &str) {
        let heard = timeout(PATIENCE, self.requests.recv()).await;
        assert!(matches!(heard, Ok(Some(FilesChanged))), "{what}: {heard:?}");
    }

    /// Nothing is heard of what was done so far: a change after it is the first to be.
    async fn hears_nothing_until(&mut self, change: impl FnOnce(&Site)) {
        let early = timeout(QUIET * 5, self.requests.recv()).await;
        assert!(early.is_err(), "what is no change was heard: {early:?}");
        change(self);
        self.hears("the change after it").await;
        assert!(self.requests.try_recv().is_err(), "it was heard twice");
    }
}

/// A file that is written in pieces, as a slow copy does it.
struct Writer(fs::File);

impl Writer {
    fn begin(site: &Site, name: &str) -> Writer {
        Writer(fs::File::create(site.path(name)).unwrap())
    }

    fn write(&mut self, piece: &str) {
        std::io::Write::write_all(&mut self.0, piece.as_bytes()).unwrap();
    }
}

fn one(folder: &Path) {
    fs::write(folder.join("lab.zone"), "1").unwrap();
}

#[tokio::test]
async fn a_file_that_is_written_renamed_removed_or_put_back_is_heard_of() {
    let mut site = Site::new(one, &["lab.zone"]);
    site.write("lab.zone", "2");
    site.hears("written in place").await;
    site.write(".lab.zone.swp", "3");
    fs::rename(site.path(".lab.zone.swp"), site.path("lab.zone")).unwrap();
    site.hears("renamed into place").await;
    fs::rename(site.path("lab.zone"), site.path("lab.zone~")).unwrap();
    site.hears("renamed away").await;
    site.write("lab.zone", "4");
    site.hears("put back").await;
    fs::remove_file(site.path("lab.zone")).unwrap();
    site.hears("removed").await;
}

#[tokio::test]
async fn what_leaves_the_text_as_it_was_is_no_change() {
    let mut site = Site::new(one, &["lab.zone"]);
    site.write("lab.zone", "1");
    site.write("other", "1");
    fs::rename(site.path("other"), site.path("lab.zone")).unwrap();
    site.write("a file beside it", "2");
    assert_eq!(fs::read(site.path("lab.zone")).unwrap(), b"1");
    site.hears_nothing_until(|site| site.write("lab.zone", "2")).await;
}

#[tokio::test]
async fn a_change_between_a_reading_and_the_watch_is_heard_of() {
    let mut site = Site::new(one, &[]);
    let old = Digest::of(b"0");
    site.watching.follow([(site.path("lab.zone"), Some(old))].into());
    site.hears("it is not what was read").await;
    // The same is not told again, until a reading has seen something else.
    site.watching.follow([(site.path("lab.zone"), Some(old))].into());
    site.hears_nothing_until(|site| site.write("lab.zone", "2")).await;
}

#[tokio::test]
async fn a_folder_that_kubernetes_mounts_is_followed_through_its_swaps() {
    let version = |folder: &Path, number: &str| {
        let data = format!("..{number}");
        fs::create_dir(folder.join(&data)).unwrap();
        fs::write(folder.join(&data).join("lab.zone"), number).unwrap();
        symlink(&data, folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    };
    let mount = |folder: &Path| {
        version(folder, "1");
        symlink("..data/lab.zone", folder.join("lab.zone")).unwrap();
    };
    let mut site = Site::new(mount, &["lab.zone"]);
    for number in 2..5 {
        version(site.folder.path(), &number.to_string());
        fs::remove_dir_all(site.path(&format!("..{}", number - 1))).unwrap();
        site.hears("swapped").await;
    }
}

#[tokio::test]
async fn a_folder_that_comes_goes_and_comes_again_is_followed() {
    let mut site = Site::new(|_| {}, &["zones/a/lab.zone"]);
    for number in 1..4 {
        fs::create_dir_all(site.path("zones/a")).unwrap();
        site.write("zones/a/lab.zone", &number.to_string());
        site.hears("it has come").await;
        site.write("zones/a/lab.zone", "changed");
        site.hears("it has changed").await;
        fs::remove_dir_all(site.path("zones")).unwrap();
        site.hears("it has gone").await;
    }
}

#[tokio::test]
async fn a_folder_that_takes_the_place_of_another_is_followed() {
    let folder = |folder: &Path, name: &str, text: &str| {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("lab.zone"), text).unwrap();
    };
    let mut site = Site::new(|root| folder(root, "zones", "1"), &["zones/lab.zone"]);
    site.write("zones/lab.zone", "2");
    site.hears("it has changed").await;
    folder(site.folder.path(), "fresh", "3");
    fs::rename(site.path("zones"), site.path("old")).unwrap();
    fs::rename(site.path("fresh"), site.path("zones")).unwrap();
    site.hears("another folder stands there").await;
    site.write("zones/lab.zone", "4");
    site.hears("a file of that one has changed").await;
    site.write("old/lab.zone", "5");
    site.hears_nothing_until(|site| site.write("zones/lab.zone", "6")).await;
}

#[tokio::test]
async fn many_changes_at_once_are_heard_of_as_one() {
    let mut site = Site::new(one, &["lab.zone"]);
    site.hears_nothing_until(|site| (2..100).for_each(|number| site.write("lab.zone", &number.to_string())))
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_never_stops_writing_is_followed_after_a_second() {
    let writing = Writing::default();
    let touching = writing.clone();
    let writer = tokio::spawn(async move {
        loop {
            touching.touch();
            sleep(QUIET / 2).await;
        }
    });
    let begin = Instant::now();
    quiet(&writing).await;
    assert_eq!(begin.elapsed(), QUIET_WAIT_MAX);
    writer.abort();
}

#[test]
fn a_limit_is_told_with_its_remedy() {
    let error = io::Error::from_raw_os_error;
    assert!(remedy(&error(libc::EMFILE)).unwrap().contains("max_user_instances"));
    assert!(remedy(&error(libc::ENOSPC)).unwrap().contains("max_user_watches"));
    assert_eq!(remedy(&error(libc::EACCES)), None);
}

#[tokio::test]
async fn what_cannot_be_watched_is_known_until_it_can() {
    let mut lookout = Lookout::default();
    lookout.complain(None, &io::Error::from_raw_os_error(libc::EMFILE));
    assert!(lookout.trouble.get().is_some_and(|why| why.contains("fs.inotify.max_user_instances")));
    // That a folder has gone is an event, and no trouble.
    lookout.watch();
    lookout.complain(Some(&PathBuf::from("/gone")), &io::ErrorKind::NotFound.into());
    assert_eq!(lookout.trouble.get(), None);
}

#[tokio::test]
async fn a_file_that_is_written_slowly_is_heard_of_when_it_is_closed_and_not_before() {
    for pause in [150, 300, 600] {
        let mut site = Site::watched(one, &["lab.zone"]).await;
        let mut writer = Writer::begin(&site, "lab.zone");
        writer.write("half ");
        let early = timeout(QUIET + Duration::from_millis(pause), site.requests.recv()).await;
        assert!(early.is_err(), "half a file was heard of: {early:?}");
        assert!(site.watching.writing().holds(&site.path("lab.zone")));
        writer.write("and half");
        drop(writer);
        site.hears("closed").await;
        assert!(!site.watching.writing().holds(&site.path("lab.zone")));
        assert!(site.requests.try_recv().is_err(), "it was heard twice");
    }
}

#[tokio::test]
async fn a_file_in_many_pieces_is_one_change() {
    let mut site = Site::watched(one, &["lab.zone"]).await;
    let mut writer = Writer::begin(&site, "lab.zone");
    for _ in 0..40 {
        writer.write("a piece\n");
        sleep(QUIET / 2).await;
    }
    assert!(site.requests.try_recv().is_err(), "a piece was heard of");
    drop(writer);
    site.hears("closed").await;
    assert!(site.requests.try_recv().is_err(), "it was heard twice");
}

#[tokio::test]
async fn who_writes_one_file_holds_up_no_other_and_a_renamed_one_needs_no_close() {
    let two = |folder: &Path| {
        one(folder);
        fs::write(folder.join("other.zone"), "1").unwrap();
    };
    let mut site = Site::watched(two, &["lab.zone", "other.zone"]).await;
    let mut writer = Writer::begin(&site, "lab.zone");
    writer.write("half");
    site.write("other.zone", "2");
    site.hears("the other one").await;
    assert!(site.watching.writing().holds(&site.path("lab.zone")));
    site.write("fresh", "3");
    fs::rename(site.path("fresh"), site.path("lab.zone")).unwrap();
    site.hears("another file has its name").await;
    assert!(!site.watching.writing().holds(&site.path("lab.zone")));
    drop(writer);
}

#[test]
fn what_happens_to_other_files_is_taken_in_together() {
    let folder = tempfile::tempdir().unwrap();
    let writing = Writing::default();
    let queue = writing.open_queue().unwrap();
    writing.watch(folder.path()).unwrap();
    let (stopped, stop) = pipe().unwrap();
    let listening = thread::spawn(move || {
        let mut looks = 0_u32;
        listen(&queue, &stopped, || {
            looks += 1;
            writing.take_in()
        });
        looks
    });
    let began = std::time::Instant::now();
    let mut log = fs::File::create(folder.path().join("log")).unwrap();
    let mut lines = 0_u32;
    while began.elapsed() < OTHERS_PAUSE * 5 {
        std::io::Write::write_all(&mut log, b"a line\n").unwrap();
        lines += 1;
    }
    drop(stop);
    let looks = listening.join().unwrap();
    let most = u32::try_from(began.elapsed().as_millis() / OTHERS_PAUSE.as_millis()).unwrap() + 2;
    assert!(lines > 2 * most && looks <= most, "{looks} looks at {lines} lines");
}
