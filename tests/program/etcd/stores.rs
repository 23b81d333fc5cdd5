//! What is answered while the store is not well: what was there before, whatever happens.

use super::*;

use std::time::Duration;

#[test]
fn a_start_without_the_store_serves_the_image_of_the_last_one() {
    let Some(mut etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    program.stop();
    etcd.kill(0);
    let program = site.start();
    assert_eq!(address(&program, "api"), "192.0.2.1".parse().ok(), "before anybody was asked");
    wait_for_status(&site, "lost", |zone| {
        zone["etcd"]["feed_connected"] == false && zone["etcd"]["error"].is_string()
    });
    assert!(status(&site)["stale_seconds"].is_u64());
    etcd.restart(0);
    etcd.wait_until_well();
    etcd.put(&key("api"), &host("192.0.2.2"));
    wait_for_address(&program, "api", "192.0.2.2");
    wait_for_status(&site, "found", |zone| zone["etcd"]["feed_connected"] == true && zone["error"].is_null());
}

#[test]
fn what_was_served_last_is_kept_while_the_store_is_lost() {
    let Some(mut etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let mut program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    let image = site.folder().join("state/images/lab.example.keys");
    let first = wait_for("an image", PATIENCE, || std::fs::read(&image).ok());
    // The next one is due some seconds later.
    etcd.put(&key("api"), &host("192.0.2.2"));
    wait_for_address(&program, "api", "192.0.2.2");
    etcd.kill(0);
    wait_for("the next image", PATIENCE, || (std::fs::read(&image).ok()? != first).then_some(()));
    program.kill();
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.2");
}

#[test]
fn a_first_start_without_the_store_answers_servfail_and_says_why() {
    let Some(mut etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    etcd.kill(0);
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_code(&program, "api", ResponseCode::ServFail);
    wait_for_status(&site, "why", |zone| {
        zone["error"].as_str().is_some_and(|error| error.starts_with("etcd is not heard, and no image"))
    });
    etcd.restart(0);
    wait_for_address(&program, "api", "192.0.2.1");
}

#[test]
fn names_are_answered_while_the_leader_is_killed_and_while_a_member_is_cut_off() {
    let Some(mut etcd) = Etcd::start(3, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    etcd.put(&key("same"), &host("192.0.2.7"));
    wait_for_address(&program, "same", "192.0.2.7");
    harness::meanwhile(
        || assert_eq!(address(&program, "same"), "192.0.2.7".parse().ok()),
        || {
            let leader = etcd.leader();
            etcd.kill(leader);
            wait_for("a new leader", PATIENCE, || (etcd.leader() != leader).then_some(()));
            etcd.put(&key("api"), &host("192.0.2.2"));
            wait_for_address(&program, "api", "192.0.2.2");
            etcd.restart(leader);
            etcd.wait_until_well();
            // The member that is watched hears nothing any more, and says nothing.
            let asked = status(&site)["etcd"]["member"].as_str().expect("a member").to_owned();
            let asked = etcd.endpoints().iter().position(|one| *one == asked).expect("a member of ours");
            etcd.signal(asked, "STOP");
            let others: Vec<usize> = (0..3).filter(|place| *place != asked).collect();
            wait_for("a leader that runs", PATIENCE, || others.contains(&etcd.leader()).then_some(()));
            etcd.ctl_member(others[0], &["put", &key("api"), &host("192.0.2.3")]);
            wait_for_address(&program, "api", "192.0.2.3");
            etcd.signal(asked, "CONT");
        },
    );
}

#[test]
fn what_is_compacted_while_nobody_hears_is_read_as_a_difference() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    for name in ["api", "same", "gone"] {
        etcd.put(&key(name), &host("192.0.2.1"));
    }
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "gone", "192.0.2.1");
    program.stop();
    etcd.put(&key("api"), &host("192.0.2.2"));
    etcd.delete(&key("gone"));
    etcd.put("/elsewhere", "x");
    let revision = etcd.ctl(&["get", "/elsewhere", "--write-out=fields"]);
    let revision =
        revision.lines().find_map(|line| line.strip_prefix("\"Revision\" : ")).expect("a revision");
    etcd.ctl(&["compaction", revision]);
    let program = site.start();
    assert!(address(&program, "same").is_some());
    harness::meanwhile(
        || assert_eq!(address(&program, "same"), "192.0.2.1".parse().ok()),
        || {
            wait_for_address(&program, "api", "192.0.2.2");
            wait_for_code(&program, "gone", ResponseCode::NXDomain);
        },
    );
    assert_eq!(status(&site)["etcd"]["images"], 1);
}

#[test]
fn an_emptied_store_empties_no_zone_until_somebody_accepts_it() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    for name in ["a", "b", "c", "d"] {
        etcd.put(&key(name), &host("192.0.2.1"));
    }
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "d", "192.0.2.1");
    wait_for_status(&site, "four keys", |zone| zone["etcd"]["keys"] == 4);
    etcd.ctl(&["del", "--prefix", "/skydns/"]);
    wait_for_status(&site, "held", |zone| zone["etcd"]["held"] == 0);
    for name in ["a", "b", "c", "d"] {
        assert_eq!(address(&program, name), "192.0.2.1".parse().ok());
    }
    let error = status(&site)["error"].as_str().expect("an error").to_owned();
    assert!(error.starts_with("etcd has 0 of 4 keys left"), "{error}");
    // Nor does a restart.
    program.stop();
    let program = site.start();
    assert_eq!(address(&program, "a"), "192.0.2.1".parse().ok());
    wait_for_status(&site, "held", |zone| zone["etcd"]["held"] == 0);
    // Half of what was there is enough.
    etcd.put(&key("a"), &host("192.0.2.9"));
    etcd.put(&key("b"), &host("192.0.2.9"));
    wait_for_address(&program, "a", "192.0.2.9");
    wait_for_code(&program, "c", ResponseCode::NXDomain);
    wait_for_status(&site, "let go", |zone| zone["etcd"]["held"].is_null() && zone["error"].is_null());
    etcd.ctl(&["del", "--prefix", "/skydns/"]);
    wait_for_status(&site, "held", |zone| zone["etcd"]["held"] == 0);
    let accepted = site.run(&["reload", "--accept", "--socket", "control.sock"]);
    assert!(accepted.status.success(), "{accepted:?}");
    wait_for_code(&program, "a", ResponseCode::NXDomain);
    wait_for_status(&site, "let go", |zone| zone["etcd"]["held"].is_null() && zone["error"].is_null());
}

#[test]
fn a_restored_store_is_noticed_and_its_serial_does_not_go_back() {
    let Some(mut etcd) = Etcd::start(1, Security::None) else { return };
    for name in ["a", "b", "c"] {
        etcd.put(&key(name), &host("192.0.2.1"));
    }
    let saved = etcd.folder().join("saved");
    etcd.save(&saved);
    for number in 0..20 {
        etcd.put(&key("a"), &host(&format!("192.0.2.{}", 100 + number)));
    }
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "a", "192.0.2.119");
    let serial = status(&site)["serial"].as_u64().expect("a serial");
    harness::meanwhile(
        || assert_eq!(address(&program, "b"), "192.0.2.1".parse().ok()),
        || {
            etcd.restore(&saved);
            wait_for_address(&program, "a", "192.0.2.1");
        },
    );
    assert_eq!(status(&site)["serial"].as_u64(), Some(serial + 1));
    etcd.put(&key("b"), &host("192.0.2.2"));
    wait_for_address(&program, "b", "192.0.2.2");
}

#[test]
fn a_store_with_tls_and_users_is_followed_and_a_wrong_password_is_told() {
    let Some(etcd) = Etcd::start_with(1, Security::TlsAndUsers, &["--auth-token-ttl=1"]) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let login = |password: &std::path::Path| {
        format!(
            "{SKYDNS}ca = \"{}\"\nuser = \"edgedns\"\npassword-file = \"{}\"\n",
            etcd.authority().display(),
            password.display()
        )
    };
    let wrong = etcd.folder().join("wrong");
    std::fs::write(&wrong, "guess\n").expect("a file");
    let site = site_of(&etcd, &login(&wrong));
    let program = site.start();
    wait_for_status(&site, "refused", |zone| {
        zone["etcd"]["error"].as_str().is_some_and(|error| error.contains("invalid user ID or password"))
    });
    assert!(!format!("{:?}", program.log()).contains("guess") && !PASSWORD.is_empty());
    std::fs::write(&wrong, PASSWORD).expect("a file");
    wait_for_address(&program, "api", "192.0.2.1");
    // Longer than a token is known, and then a word of the loop that asks where the store stands.
    std::thread::sleep(Duration::from_secs(3));
    etcd.put(&key("api"), &host("192.0.2.2"));
    wait_for_address(&program, "api", "192.0.2.2");
    wait_for_status(&site, "well", |zone| zone["etcd"]["feed_connected"] == true);
}

#[test]
fn a_zone_that_is_stale_for_too_long_answers_servfail() {
    let Some(mut etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, &format!("{SKYDNS}max-stale = \"8s\"\n"));
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    etcd.kill(0);
    wait_for_code(&program, "api", ResponseCode::ServFail);
    etcd.restart(0);
    wait_for_address(&program, "api", "192.0.2.1");
}

#[test]
fn a_reload_takes_other_settings_and_never_goes_back_to_an_older_image() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put(&key("api"), &host("192.0.2.1"));
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "api", "192.0.2.1");
    let images = site.folder().join("state/images");
    wait_for("an image", PATIENCE, || images.join("lab.example.keys").exists().then_some(()));
    // Newer than the image, for the next ten seconds.
    etcd.put(&key("api"), &host("192.0.2.2"));
    wait_for_address(&program, "api", "192.0.2.2");
    let serial = || status(&site)["serial"].as_u64().expect("a serial");
    let before = serial();
    configure(&site, &etcd, &format!("{SKYDNS}shrink-limit = \"60%\"\n"));
    program.reload_and_wait();
    etcd.put(&key("new"), &host("192.0.2.9"));
    wait_for_address(&program, "new", "192.0.2.9");
    assert_eq!(serial(), before + 1, "no version between");
    configure(&site, &etcd, &format!("{SKYDNS}ttl = \"77s\"\n"));
    program.reload_and_wait();
    wait_for("the new TTL", PATIENCE, || {
        let response = ask(program.listen(), "api.lab.example.", RecordType::A)?;
        (response.answers.first()?.ttl == 77).then_some(())
    });
}

#[test]
fn whenever_the_server_is_killed_its_image_has_its_text() {
    let Some(etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put_many(12_000, |number| {
        (key(&format!("h{number}")), host(&format!("10.0.{}.{}", number / 256, number % 256)))
    });
    let site = site_of(&etcd, SKYDNS);
    let images = site.folder().join("state/images");
    let texts = || -> Vec<String> {
        let names = std::fs::read_dir(&images).expect("images");
        let names = names.map(|one| one.expect("a file").file_name().into_string().expect("a name"));
        names.filter(|name| name.ends_with(".zone")).collect()
    };
    let revision_of_image = || {
        let image = std::fs::read_to_string(images.join("lab.example.keys")).ok()?;
        image.lines().next()?.rsplit(' ').next().map(str::to_owned)
    };
    let mut program = site.start();
    let first = wait_for("an image", PATIENCE, revision_of_image);
    program.kill();
    assert!(texts().contains(&format!("lab.example+{first}.zone")), "{:?} of {first}", texts());
    // What a kill may leave: a text of an image that was not written any more, and a start that makes up for a text that
    // is missing.
    std::fs::rename(images.join(format!("lab.example+{first}.zone")), images.join("lab.example+999999.zone"))
        .expect("a text");
    let program = site.start();
    wait_for("the text of the image", PATIENCE, || {
        (texts() == [format!("lab.example+{first}.zone")]).then_some(())
    });
    program.stop();
}

#[test]
fn a_start_reads_the_text_that_many_keys_have_made_and_under_other_settings_the_keys() {
    let Some(mut etcd) = Etcd::start(1, Security::None) else { return };
    etcd.put_many(12_000, |number| {
        (key(&format!("h{number}")), host(&format!("10.0.{}.{}", number / 256, number % 256)))
    });
    let site = site_of(&etcd, SKYDNS);
    let program = site.start();
    wait_for_address(&program, "h11999", "10.0.46.223");
    program.stop();
    let kept = std::fs::read_dir(site.folder().join("state/images")).expect("images");
    let paths: Vec<std::path::PathBuf> = kept.map(|entry| entry.expect("an image").path()).collect();
    let text_path = paths.iter().find(|path| path.extension().is_some_and(|end| end == "zone"));
    let text_path = text_path.unwrap_or_else(|| panic!("no text among {paths:?}"));
    let text = std::fs::read_to_string(text_path).expect("a text");
    assert!(text.contains("10.0.0.7\n"), "{}", &text[..2000]);
    std::fs::write(text_path, text.replace("10.0.0.7\n", "10.9.9.9\n")).expect("a text");
    etcd.kill(0);
    let program = site.start();
    assert_eq!(address(&program, "h7"), "10.9.9.9".parse().ok(), "it is what was read");
    assert_eq!(address(&program, "h8"), "10.0.0.8".parse().ok());
    // What changes from there on is followed.
    etcd.restart(0);
    etcd.put(&key("h8"), &host("10.0.0.88"));
    wait_for_address(&program, "h8", "10.0.0.88");
    assert_eq!(address(&program, "h7"), "10.9.9.9".parse().ok(), "nothing was made anew for that");
    program.stop();
    etcd.kill(0);
    configure(&site, &etcd, &format!("{SKYDNS}ttl = \"60s\"\n"));
    let program = site.start();
    assert_eq!(address(&program, "h7"), "10.0.0.7".parse().ok(), "the keys say so");
    assert_eq!(address(&program, "h8"), "10.0.0.88".parse().ok());
    program.stop();
}
