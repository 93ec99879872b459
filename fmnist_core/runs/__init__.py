"""A run is a folder: written by one process, read by any number, and the only record of what was learned.

    <FMNIST_HOME>/runs/<id>/
        config.json         name, settings, owner, time of creation                                 record, creation
        status.json         state, process, progress; always replaced as a whole                    record, writer, transitions
        events.jsonl        one event per line; lines are only appended                             event_log
        live.json           the current kernels of the first layer, and the time left               results
        commands.jsonl      commands to the training process, one per line                          mailbox
        answers.jsonl       the commands that the training process has carried out                  mailbox
        checkpoints/        epoch-003.safetensors after each epoch, last.safetensors if stopped within one,
                            resume.safetensors with everything needed to continue                   weights
        evaluation.json     accuracy, confusion matrix and figures per class of the weights in use  results
        answers/            the answers to all test images after each epoch                         kept
        likeness.safetensors    what the network in use finds alike                                 kept
        starting.lock       locked by the process that created or continued the run                 claim
        trainer.lock        locked by the training process for its whole life                       claim
        reserve             space reserved for a final status on a full disk                        writer
        trainer.log         the training process's standard error                                   jobs

A deleted run's folder is moved, whole, to <FMNIST_HOME>/trash, with deleted.json in it (trash).

One process, the trainer, writes. Any number of others read, append commands, and may replace the name in config.json. Every file but
the log is written under a temporary name and renamed, or appended line by line, so that a reader never sees half of one.

Reading is total: whatever stands in a run's files, it gives a value or raises RunError with a sentence about that run, so that a
damaged run costs nobody else anything. A status that is lost is rebuilt from checkpoints and events (recovery).
"""
