//! The drawing of a lineage: layers from left to right, every node a link, long columns cut.

use tailer_model::Identity;

use super::*;

fn table(name: &str) -> TablePlace {
    let parts: Vec<&str> = name.split('.').collect();
    let [project, dataset, table] = parts.as_slice() else { panic!("{name}") };
    TablePlace { project: (*project).into(), dataset: (*dataset).into(), table: (*table).into(), is_known: true }
}

fn task(id: &str, reads: &[&str], writes: &[&str], files_read: &[&str]) -> TaskUse {
    TaskUse {
        operation: Identity {
            account: "000099".parse().unwrap(),
            environment: "DEV".parse().unwrap(),
            configuration_type: "table-to-table".parse().unwrap(),
            configuration_id: id.into(),
        },
        task: "t".into(),
        task_type: "sql".into(),
        short_description: None,
        about: None,
        documentation: Vec::new(),
        reads: reads.iter().map(|name| table(name)).collect(),
        writes: writes.iter().map(|name| table(name)).collect(),
        files_read: files_read.iter().map(|name| (*name).to_owned()).collect(),
        files_written: Vec::new(),
        unclear: Vec::new(),
    }
}

fn place() -> Place {
    Place { account: "000099".parse().unwrap(), environment: None }
}

/// Links in the order in which they are drawn.
fn links(svg: &str) -> Vec<String> {
    svg.split("href=\"").skip(1).filter_map(|rest| rest.split_once('"')).map(|(link, _)| link.to_owned()).collect()
}

#[test]
fn layers_stand_from_left_to_right_and_every_node_is_a_link() {
    let here = table("p.d.t");
    let writers = [task("w<1>", &["p.d.a", "q.e.b"], &["p.d.t"], &["gs://in/x/f.csv"])];
    let readers = [task("r", &["p.d.t"], &["p.d.u"], &[])];
    let svg = of_table(&place(), &here, &writers, &readers);
    let operation = |id: &str| format!("/operations/000099/DEV/gbq-to-gbq/{id}");
    let table = |path: &str| format!("/catalog/{path}?account=000099");
    assert_eq!(
        links(&svg),
        [
            table("p/d/a"),
            table("q/e/b"),
            operation("w%3C1%3E"),
            operation("w%3C1%3E"),
            table("p/d/t"),
            operation("r"),
            table("p/d/u")
        ]
    );
    assert_eq!(svg.matches("class=\"edge\"").count(), 6);
    assert!(svg.contains("w&lt;1&gt;") && !svg.contains("w<1>"), "{svg}");
    assert!(svg.contains(">q.e<") && svg.contains(">f.csv<"), "{svg}");
}

#[test]
fn nothing_is_drawn_of_nothing_and_a_long_column_is_cut() {
    let here = table("p.d.t");
    assert_eq!(of_table(&place(), &here, &[], &[]), "");
    let many: Vec<TaskUse> = (0..30).map(|n| task(&format!("r{n}"), &["p.d.t"], &[], &[])).collect();
    let svg = of_table(&place(), &here, &[], &many);
    assert_eq!(links(&svg).len(), 1 + MOST);
    assert!(svg.contains("19 more") && svg.contains("#lists"), "{svg}");
    assert_eq!(svg.matches("class=\"edge\"").count(), MOST);
}
