"""A run is a folder: written by one process, read by any number, and the only truth about what was learned.

    <FMNIST_HOME>/runs/<id>/
        config.json         name, settings, when it was created                                   record
        status.json         state, the trainer's process, how far it is; replaced whole           record, writer
        events.jsonl        one event per line, only ever appended to                             event_log
        live.json           the first layer's kernels as they are now                             results
        commands.jsonl      what pages ask of the trainer, one command per line                   mailbox
        answers.jsonl       which of these the trainer has carried out                            mailbox
        checkpoints/        epoch-003.safetensors after every epoch, last.safetensors where it was stopped within one,
                            resume.safetensors with all that is needed to continue                weights
        evaluation.json     accuracy, confusion matrix and figures per class of the weights in use  results
        claim-1.json        the process that trains it now                                        claim
        reserve             space reserved for a final status on a full disk                      writer
        trainer.log         what the trainer wrote to its standard error                          jobs

One process, the trainer, writes; any number read, and ask by appending a command. Every file but the log is written beside
its place and renamed, or appended line by line, so that a reader never sees half of one.
"""
