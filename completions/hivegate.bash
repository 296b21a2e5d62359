# Completion of hivegate and hivegatectl for bash; goes to /usr/share/bash-completion/completions.

_hivegate() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    # bash cuts --option=value at the '='
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $previous in
    --config | -c | --check-config) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W "debug info warn error" -- "$current") ;;
    --log-format) mapfile -t COMPREPLY < <(compgen -W "text json" -- "$current") ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W "--config --check-config --log-level --log-format
            --help-config --version --help" -- "$current")
        ;;
    esac
}

# The users of a file whose names begin so. Not by compgen -W: it would expand a name like $(command).
_hivegatectl_users() {
    local name
    while IFS=$'\t' read -r name _; do
        [[ $name == "$2"* ]] && COMPREPLY+=("$(printf %q "$name")")
    done < <(hivegatectl user list --file "$1" 2>/dev/null)
}

_hivegatectl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words= file i
    local remote="--admin --token-file --ca-file --certificate-file --key-file --user --password-file --output --help"
    case $previous in
    --file | -f | --config | -c | --token-file | --ca-file | --certificate-file | --key-file | --password-file | --spool | \
        --policies | -p | --schemas | -s)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    esac
    if ((COMP_CWORD == 1)); then
        words="user auth audit sql policy sessions operations endpoints pools users limits config top kill drain
            undrain pause resume reload version help --help"
    elif [[ ${COMP_WORDS[1]} == auth ]]; then
        words="--config --listener --bearer --password-stdin --help"
        [[ ${COMP_WORDS[2]} != unlock ]] || words="--address $remote"
        ((COMP_CWORD > 2)) || words="test unlock --help"
    elif [[ ${COMP_WORDS[1]} == audit && $previous != --output ]]; then
        case ${COMP_WORDS[2]} in
        migrate) words="--postgres --password-file --writer --reader --help" ;;
        search)
            words="--postgres --password-file --spool --user --table --kind --session --since --until
                --most --output --help"
            ;;
        verify) words="--postgres --password-file --spool --anchors --public-key --archive --s3-endpoint
            --s3-region --s3-ca-file --help" ;;
        archive) words="--postgres --password-file --to --older --s3-endpoint --s3-region --s3-ca-file --help" ;;
        restore) words="--postgres --password-file --from --day --s3-endpoint --s3-region --s3-ca-file --help" ;;
        status) words="--postgres --password-file --spool --help" ;;
        key) words="new show pseudonyms --help" ;;
        pseudonym) words="--key --help" ;;
        prune) words="--postgres --password-file --keep --archived-only --help" ;;
        hold) words="add list release --postgres --password-file --from --to --reason --help" ;;
        esac
        ((COMP_CWORD > 2)) || words="migrate search verify status prune archive restore hold key pseudonym --help"
    elif [[ $previous == --output || $previous == -o ]]; then
        words="table json"
    elif [[ ${COMP_WORDS[1]} =~ ^(sessions|operations|endpoints|pools|users|limits|config|reload)$ ]]; then
        words=$remote
    elif [[ ${COMP_WORDS[1]} == top ]]; then
        words="--every --rounds $remote"
    elif [[ ${COMP_WORDS[1]} =~ ^(kill|drain|undrain|pause|resume)$ ]]; then
        words=$remote
        if ((COMP_CWORD == 2)); then
            case ${COMP_WORDS[1]} in
            kill) words="session operation user --help" ;;
            drain | undrain) words="endpoint --help" ;;
            *) words="pool --help" ;;
            esac
        fi
    elif [[ ${COMP_WORDS[1]} == sql ]]; then
        case $previous in
        sql) words="tokens inspect rewrite --help" ;;
        --engine | -e) words="spark-3.5 spark-4.0" ;;
        *)
            words="--engine --help"
            [[ ${COMP_WORDS[2]} != rewrite ]] || words+=" --policies --schemas --user --groups --attr
                --catalog --database --nonce"
            ;;
        esac
    elif [[ ${COMP_WORDS[1]} == policy ]]; then
        case $previous in
        policy) words="check test explain --help" ;;
        --engine | -e) words="spark-3.5 spark-4.0" ;;
        *)
            words="--policies --schemas --engine --help"
            [[ ${COMP_WORDS[2]} != explain ]] || words+=" --user --groups --attr --catalog --database --nonce"
            ;;
        esac
    elif [[ ${COMP_WORDS[1]} != user ]]; then
        words=
    elif ((COMP_CWORD == 2)); then
        words="add list delete check --help"
    elif [[ $current == -* ]]; then
        words="--file --help"
        case ${COMP_WORDS[2]} in
        add) words+=" --group --password-stdin" ;;
        check) words+=" --password-stdin" ;;
        esac
    else
        for ((i = 3; i < COMP_CWORD; i++)); do
            case ${COMP_WORDS[i]} in
            --file | -f) file=${COMP_WORDS[i + 1]} ;;
            esac
        done
        [[ -z ${file:-} ]] || _hivegatectl_users "$file" "$current"
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o filenames -F _hivegate hivegate
complete -o filenames -F _hivegatectl hivegatectl
