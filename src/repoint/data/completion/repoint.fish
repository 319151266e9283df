# Completion of repoint for fish 3.1 and newer.
function __repoint_complete
    set -l line (commandline --cut-at-cursor --current-process | string collect)
    set -l token (commandline --cut-at-cursor --current-token)
    set -l head (string match --regex '^-[^=]*=' -- $token)
    set -l path (string replace --regex '^-[^=]*=' '' -- $token)
    for row in (_REPOINT_COMPLETE=fish COMP_WORDS="$line" repoint 2>/dev/null </dev/null)
        set -l part (string split --max 2 \t -- $row)
        switch $part[1]
            case plain
                printf '%s\t%s\n' $part[2] $part[3]
            case file
                printf "$head%s\n" (__fish_complete_path $path)
            case dir
                printf "$head%s\n" (__fish_complete_directories $path)
        end
    end
end

complete --no-files --keep-order --command repoint --arguments '(__repoint_complete)'
