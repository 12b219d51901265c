/** A body that is sent from the disk as it is: a file below the folder `root`. */
export class FileBody {
  readonly root: string;
  readonly name: string;

  constructor(root: string, name: string) {
    this.root = root;
    this.name = name;
  }
}
