//! The examples of this repository deploy as they are, with their files and without a warning.

use std::{fs, path::Path};

use tailer_model::{check_files, parse_configuration};

use super::{all_lines, lines};

#[test]
fn every_example_is_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut checked = 0;
    for folder in fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if file.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let (configuration, problems) = parse_configuration(&fs::read_to_string(&file).unwrap());
            assert_eq!(all_lines(&problems), Vec::<String>::new(), "{}", file.display());
            let problems = check_files(&configuration.unwrap(), &|name| fs::read(folder.join(name)).ok());
            assert_eq!(lines(&problems.errors), Vec::<String>::new(), "{}", file.display());
            checked += 1;
        }
    }
    assert!(checked > 0, "no examples in {}", root.display());
}
