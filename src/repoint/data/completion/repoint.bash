# Completion of repoint for bash 4.4 and newer.
_repoint_completion() {
    local line=${COMP_LINE:0:COMP_POINT} kind value about word cut=
    COMPREPLY=()
    # readline replaces what follows the last of its word breaks, not the whole word.
    word=${line##*[[:space:]]}
    if [[ $word == *[=:]* ]]; then
        cut=${word%"${COMP_WORDS[COMP_CWORD]}"}
        [[ ${COMP_WORDS[COMP_CWORD]} == [=:] ]] && cut=$word
    fi
    while IFS=$'\t' read -r kind value about; do
        case $kind in
            plain) COMPREPLY+=("${value#"$cut"}") ;;
            file) compopt -o default ;;
            dir) compopt -o dirnames ;;
        esac
    done < <(_REPOINT_COMPLETE=bash COMP_WORDS=$line "$1" 2>/dev/null </dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}

complete -o nosort -F _repoint_completion repoint
