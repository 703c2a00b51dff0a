"""The command line, the config file and the wiring. Imports every other package; nothing imports this one.

    cli             one program, every command
    commands/       one file per command or group: options in, words or JSON out
    config          samtykke.toml and the environment, checked strictly; `checking` tries what they name
    wiring          the catalogue, the published policy and the overrides made into rules
    up              the main job: scan, compile, publish, serve
    serving         the proxy in this process, or several `workers` under one parent
    scanning        scans with progress, kept in the inventory
    proving         proofs of configured sites, their digest kept in the consent log
    rounds          what a schedule does; `alerting` tells what got worse
    reports         what `scan` writes; `picture` takes screenshots
    promises        the policy of a scanned site, held against the scan
    policy_folder   published policies on disk; `imported` keeps the operator's lists
    stores          open the configured stores
    documents       read a file, standard input or a URL
    outcome         exit codes, and answers as JSON; `terminal` prints for people, `plain` for logs
    whole_files     puts a file in place whole or not at all
    demo/           the bundled shop full of trackers

Exit codes: 0 fine, 1 the answer is "no", 2 usage or config error, 3 site, database or browser out of reach.
"""

__version__ = "0.1.0"
