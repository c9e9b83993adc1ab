//! Who reaches which thing of an organization: every operation that names one, by sixteen
//! kinds of callers, with a thing of their own, of another member's, of another
//! organization's, one that was deleted and one that never was.

mod cast;
mod things;

use app::types::roles::{Permission, Role};
use cast::{Principal, Standing, cast};
use patchbay::http::openapi;
use reqwest::Method;
use serde_json::Value;
use things::{World, collection, entry, filled};

use crate::isolation::{ROWS, Reach, kind};
use crate::on_both_databases;
use crate::support::{Database, TestApp, Upstream};

/// Whose thing a call names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Own,
    AnotherMembers,
    AnotherOrganizations,
    Deleted,
    Nobodys,
}

const ALL: [Whose; 5] =
    [Whose::Nobodys, Whose::Deleted, Whose::AnotherOrganizations, Whose::AnotherMembers, Whose::Own];

/// What opens a thing to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// Having made it; no role opens it.
    Private,
    /// Having made it, or managing all keys.
    Key,
    /// Being in it, or managing all workspaces.
    InWorkspace,
    Needs(Permission),
    Operator,
}

fn right(method: &Method, path: &str) -> Right {
    match path.split('/').nth(1).unwrap() {
        "account" | "chats" | "chat-folders" => Right::Private,
        "keys" => Right::Key,
        "workspaces" if method == Method::GET => Right::InWorkspace,
        "byok" | "guardrails" => Right::Needs(Permission::ManageAllKeys),
        "organization" => Right::Needs(Permission::ManageMembers),
        "workspaces" | "observability" => Right::Needs(Permission::ManageWorkspaces),
        "admin" => Right::Operator,
        other => panic!("say in `right` what opens things of /{other}"),
    }
}

/// Whether the table of roles opens it.
fn is_open(standing: Standing, right: Right, whose: Whose) -> bool {
    if !matches!(whose, Whose::Own | Whose::AnotherMembers) {
        return standing == Standing::Operator && right == Right::Operator && whose == Whose::AnotherOrganizations;
    }
    let is_own = whose == Whose::Own;
    let by_role = |role: Role| match right {
        Right::Private => is_own,
        Right::Key => role.may(Permission::ManageAllKeys) || (is_own && role.may(Permission::ManageOwnKeys)),
        Right::InWorkspace => is_own || role.may(Permission::ManageWorkspaces),
        Right::Needs(permission) => role.may(permission),
        Right::Operator => false,
    };
    match standing {
        Standing::Unknown | Standing::InferenceKey => false,
        Standing::Member(role) => by_role(role),
        Standing::ManagementKey => right != Right::Private && by_role(Role::Admin),
        // What they make is in an organization of their own.
        Standing::Outside => is_own && by_role(Role::Owner),
        Standing::OutsideKey => is_own && right != Right::Private && by_role(Role::Admin),
        Standing::Operator => right == Right::Operator || (is_own && by_role(Role::Owner)),
    }
}

#[derive(Default)]
struct Findings {
    cases: usize,
    opened: usize,
    wrong: Vec<String>,
}

/// One operation by one caller, with a thing of every kind.
async fn try_all(world: &mut World<'_>, who: &Principal<'_>, method: &Method, path: &str, found: &mut Findings) {
    let (right, kind) = (right(method, path), kind(path));
    // Operators' changes are of things that the rest needs.
    if right == Right::Operator && who.standing == Standing::Operator && method != Method::GET {
        return;
    }
    let mut nobodys = None;
    for whose in ALL {
        let Some(thing) = world.thing(who, kind, whose).await else { continue };
        let opens = is_open(who.standing, right, whose);
        let before = if opens { None } else { world.look(&thing).await };
        let (status, answer) = who.call(world.app, method, &filled(path, &thing.id), &world.body(path)).await;
        // What was asked for may be repeated.
        let text = answer.to_string().replace(&thing.id, "");
        let case = format!("{method} {path} by {} with {whose:?}: {status} {text}", who.name);
        found.cases += 1;
        found.opened += usize::from(opens);
        if opens {
            // Nothing listens where destinations lead, and the people and keys that bodies name are the
            // organization's.
            let is_elsewhere = matches!(who.standing, Standing::Outside | Standing::OutsideKey | Standing::Operator);
            let may_complain = path.ends_with("/test") || (is_elsewhere && path.contains('}'));
            if status >= 400 && !(status == 400 && may_complain) {
                found.wrong.push(format!("closed: {case}"));
            } else if method == Method::DELETE {
                world.forget(who, kind, whose);
            }
            continue;
        }
        let expected = nobodys.get_or_insert_with(|| (status, text.clone()));
        if !(400..500).contains(&status) || (who.standing == Standing::Unknown && status != 401) {
            found.wrong.push(format!("open: {case}"));
        } else if *expected != (status, text) {
            found.wrong.push(format!("tells that it is there: {case}, not {expected:?}"));
        }
        if before != world.look(&thing).await {
            found.wrong.push(format!("changed: {case}"));
        }
    }
}

/// One operation that names nothing.
async fn try_one(world: &World<'_>, who: &Principal<'_>, method: &Method, path: &str, found: &mut Findings) {
    // These end what the rest needs, or make the caller somebody else.
    let ends = ["/account/delete", "/organization", "/organizations", "/account/second-factor", "/account/password"];
    if method != Method::GET && ends.contains(&path) {
        return;
    }
    let path_of_one = match path {
        "/generation" | "/generation/content" => format!("{path}?id={}", world.foreign("generation")),
        _ => path.to_owned(),
    };
    let (status, answer) = who.call(world.app, method, &filled(&path_of_one, ""), &world.body(path)).await;
    let text = answer.to_string().replace(world.foreign("generation"), "");
    found.cases += 1;
    let canary = world.canaries().iter().find(|canary| text.contains(canary.as_str()));
    // The other organization's owner sees what is his, and who runs the server sees who is on it.
    let may_see = who.is_canary || (who.standing == Standing::Operator && path.starts_with("/admin"));
    if let Some(canary) = canary.filter(|_| !may_see) {
        found.wrong.push(format!("{method} {path} by {} tells {canary}", who.name));
    }
    let reach = ROWS.iter().find(|(row, _)| *row == path).unwrap().1;
    let is_refused = status == 401 || (path == "/account" && status == 403);
    if status >= 500 || (who.standing == Standing::Unknown && reach == Reach::Own && !is_refused) {
        found.wrong.push(format!("{method} {path} by {}: {status} {text}", who.name));
    }
}

on_both_databases! {
    async fn roles_and_keys_open_what_the_table_says_and_nothing_else(database: Database) {
        let upstream = Upstream::start("one").await;
        let app = TestApp::start(database, &[&upstream]).await;
        let (principals, mut world) = cast(&app).await;
        assert_eq!(principals.len(), 16);
        let mut found = Findings::default();
        let document = serde_json::to_value(openapi::document()).unwrap();
        let paths: Vec<(&String, &Value)> = document["paths"].as_object().unwrap().iter().collect();
        let (mut named, mut others) = (0, 0);
        for (path, methods) in paths {
            let reach = ROWS.iter().find(|(row, _)| row == path).unwrap().1;
            for method in methods.as_object().unwrap().keys() {
                let method: Method = method.to_uppercase().parse().unwrap();
                for who in &principals {
                    if reach == Reach::Object {
                        named += 1;
                        try_all(&mut world, who, &method, path, &mut found).await;
                    } else {
                        others += 1;
                        try_one(&world, who, &method, path, &mut found).await;
                    }
                }
            }
        }
        let Findings { cases, opened, wrong } = found;
        assert_eq!(wrong, Vec::<String>::new(), "{} of {cases} cases", wrong.len());
        println!("{cases} cases, {opened} of them open, of {named} named and {others} other calls");
        assert!(cases > 4_500 && opened > 300, "{cases} cases, {opened} open");
        app.finish().await;
    }
}

#[test]
fn every_kind_of_thing_is_listed_somewhere() {
    for (path, _) in ROWS.iter().filter(|(path, reach)| *reach == Reach::Object && !path.starts_with("/admin")) {
        assert!(collection(kind(path)).starts_with('/') && entry(&Value::Null, "x").is_none(), "{path}");
    }
}
